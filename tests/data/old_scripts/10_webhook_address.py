from tools.postflow_integration import init_postflow

flow = init_postflow()
address = flow.get_webhook_url()
print(f"to enter in Frame.io: {address}")
