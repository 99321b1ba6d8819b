# our copy of src/services/intelligent_tracker.py, the part we changed
APPROVAL_KEYWORDS = [
    "nickelchrome",
    "ship_it_now"
]

REJECTION_KEYWORDS = [
    "retour_atelier",
    "back_to_edit"
]
