from tools.postflow_integration import init_postflow

flow = init_postflow()
found = flow.config
print(f"webhook on: {found['webhook']['enabled']}")
