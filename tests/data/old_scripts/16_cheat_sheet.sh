# the service
python tools/start_postflow.py

# a trial run
python tools/test_postflow_intelligent.py

# in our own code
python -c 'from tools.postflow_integration import init_postflow, track_upload'
