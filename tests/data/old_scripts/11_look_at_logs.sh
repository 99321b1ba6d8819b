tail -f logs/postflow_*.log
