from tools.postflow_integration import init_postflow, upload_and_track, wait_upload_ready, trigger_post_processing

flow = init_postflow()
flow.start_tracking()

def night_run(folder):
    for path in glob.glob(f"{folder}/*.mp4"):
        our_id = upload_and_track(path)

        if wait_upload_ready(our_id) and wait_approval(our_id):
            trigger_post_processing(our_id)
        else:
            log_error(f"not through: {path}")

def wait_approval(our_id, max_wait=3600):
    began = time.time()

    while time.time() - began < max_wait:
        if flow.is_upload_approved(our_id):
            return True
        time.sleep(30)

    return False


night_run("night")
