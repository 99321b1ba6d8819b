from tools.postflow_integration import init_postflow

flow = init_postflow()

flow.register_upload(
    upload_id="test",
    filename="test.mp4",
    file_id="frame_io_id"
)

known = flow.get_upload_status("test")
print(known)
