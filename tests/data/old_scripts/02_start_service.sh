python tools/start_postflow.py
