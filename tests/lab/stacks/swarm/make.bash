echo first > motd
echo very-secret > key
echo key >> .gitignore
mkdir -p v2/migrations && echo second > v2/motd && touch v2/migrations/1-first.js
