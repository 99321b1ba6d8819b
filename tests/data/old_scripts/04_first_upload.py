from tools.postflow_integration import init_postflow, track_upload

flow = init_postflow()
flow.start_tracking()

track_upload("upload_001", "ma_video.mp4")
