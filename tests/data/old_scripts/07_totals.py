from tools.postflow_integration import init_postflow

flow = init_postflow()
totals = flow.get_tracking_stats()

print("total", totals['total_tracked'])
print("active", totals['active_tracks'])
print("events", totals['events_processed'])
print("comments", totals['comments_analyzed'])

for name, number in totals['status_distribution'].items():
    print("status", name, number)
