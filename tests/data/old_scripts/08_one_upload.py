from tools.postflow_integration import init_postflow

flow = init_postflow()
known = flow.get_upload_status("upload_001")

print("status", known['status'])
print("review", known['review_status'])
print("comments", known['comments_count'])
print("file", known['file_id'])
print("since", known['created_at'])

for kind in known['webhook_events_received']:
    print("event", kind)
