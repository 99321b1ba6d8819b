"""What a dashboard shows, whatever it is drawn with."""
