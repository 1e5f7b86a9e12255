# So that there are releases 3 and 4; what makes them other ones is in the application.
cp compose.yaml later.yaml
