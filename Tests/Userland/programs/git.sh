# set: large
# seconds: 300
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='2001-02-03T04:05:06+0000' GIT_COMMITTER_DATE='2001-02-03T04:05:06+0000' GIT_CONFIG_NOSYSTEM=1 GIT_EXEC_PATH=/usr/lib/git-core GIT_TEMPLATE_DIR=
git config --global init.defaultBranch main; git config --global gc.autoDetach false; git config --global safe.directory '*'
git init -q r; cd r
for i in $(seq 20); do seq $((i * 50)) >f$((i % 5)); mkdir -p d$((i % 3)); echo "$i" >d$((i % 3))/x; git add -A; git commit -qm "commit $i"; done
git log --oneline | head -n 3; git rev-parse HEAD; git log --stat -1 | tail -n 3; git diff HEAD~3 --shortstat
git checkout -qb side HEAD~5; echo side >side; git add side; git commit -qm side; git checkout -q main; git merge -q side -m merge; git log --graph --oneline | head -n 4
git checkout -qb conflict HEAD~1; echo a >f1; git commit -qam a; git checkout -q main; echo b >f1; git commit -qam b; git merge conflict 2>&1 | tail -n 1; git merge --abort
git tag -a v1 -m v1; git describe; git stash list; echo dirty >>f2; git stash -q; git stash pop -q; git checkout -q f2; git rebase -q HEAD~1 2>&1; git blame -s f1 | head -n 2; git grep -c 7 | head -n 2
git gc -q; git fsck --full; git count-objects; cd ..; git clone -q --no-local r c 2>&1; cd c; git rev-parse HEAD; git bundle create -q ../b main 2>&1; git bundle verify -q ../b 2>&1; git archive HEAD | sha256sum; git format-patch -1 --stdout | tail -n +2 | sha256sum; git bisect start -q HEAD HEAD~6 >/dev/null; git bisect run test -f side 2>&1 | grep -c 'bisect'; git worktree add -q ../w v1 2>&1; ls ../w | wc -l
