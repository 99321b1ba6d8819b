from tools.postflow_integration import init_postflow, track_upload, check_upload_ready

# once per program
flow = init_postflow()
flow.start_tracking()

def send_to_frameio(name, project):
    frameio_id = frame_io_upload(name, project)
    our_id = f"upload_{int(time.time())}"
    track_upload(
        upload_id=our_id,
        filename=name,
        file_id=frameio_id,
        project_id=project
    )
    return our_id

def approved(our_id):
    return flow.is_upload_approved(our_id)

def transcoded(our_id):
    return flow.wait_for_upload_ready(our_id, timeout=600)


sent = send_to_frameio("intro_teaser.mp4", project_id)
print("ready before", check_upload_ready(sent))
print("transcoded", transcoded(sent))
print("ready after", check_upload_ready(sent))
while not approved(sent):
    time.sleep(30)
print("approved", sent)
