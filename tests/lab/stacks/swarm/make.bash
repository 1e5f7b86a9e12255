echo first > motd
echo very-secret > key
echo key >> .gitignore
mkdir v2 && echo second > v2/motd
