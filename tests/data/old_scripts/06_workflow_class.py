from tools.postflow_integration import PostFlowIntegration

class OurWorkflow:
    def __init__(self):
        self.flow = PostFlowIntegration()
        self.flow.start_tracking()

    def upload_to_frameio(self, path):
        return frame_io_upload(os.path.basename(path), project_id)

    def process_video(self, path):
        name = os.path.basename(path)
        frameio_id = self.upload_to_frameio(path)

        our_id = f"workflow_{int(time.time())}"
        self.flow.register_upload(
            upload_id=our_id,
            filename=name,
            file_id=frameio_id
        )

        if self.flow.wait_for_upload_ready(our_id):
            print(f"{name} can be watched")

        # look every half minute
        while not self.flow.is_upload_approved(our_id):
            time.sleep(30)

        print(f"{name} is approved")
        return our_id


print("done", OurWorkflow().process_video("/mnt/renders/scene7.mp4"))
