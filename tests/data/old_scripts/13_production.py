from tools.postflow_integration import init_postflow, upload_and_track, wait_upload_ready

flow = init_postflow()
flow.start_tracking()

today = ["intro.mp4", "scene1.mp4", "scene2.mp4"]

for name in today:
    our_id = upload_and_track(name)
    upload_ids.append(our_id)
    wait_upload_ready(our_id)
    send_notification(f"{name} waits for its review")

done = False
while not done:
    approved = sum(1 for each in upload_ids
                   if flow.is_upload_approved(each))

    if approved == len(upload_ids):
        done = True
        print("approved", *upload_ids)
    else:
        time.sleep(60)
