from tools.postflow_integration import init_postflow

flow = init_postflow()

def show_board():
    totals = flow.get_tracking_stats()

    print("OUR BOARD")
    print("=" * 40)
    print(f"active {totals['active_tracks']}")
    print(f"approved {totals['review_status_distribution'].get('approved', 0)}")
    print(f"rejected {totals['review_status_distribution'].get('rejected', 0)}")
    print(f"pending {totals['review_status_distribution'].get('pending', 0)}")

while True:
    show_board()
    time.sleep(30)
