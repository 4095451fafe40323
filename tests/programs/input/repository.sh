# repository.sh STREAM - the life of a git repository in the working directory; prints what has to
# be the same every time and leaves the digests of all objects in objects.sum.
set -eu
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git config --global user.name 'Some One'
git config --global user.email one@example.org
git config --global init.defaultBranch main
git config --global advice.detachedHead false
git config --global gc.autoDetach false

git init -q repository
cd repository
git fast-import --quiet <"$1"
git checkout -q imported
for i in 1 2 3 4 5 6 7 8; do
    mkdir -p added/deep$i
    seq $i 7 3000 >added/deep$i/numbers
    git mv dir$(((i + 6) % 7))/file$((i + 6)).txt added/moved$i.txt
    git add -A
    git commit -q -m "commit $i"
done
git checkout -q -b side HEAD~5
seq 9999 >side.txt
git add side.txt
git commit -q -m side
git checkout -q imported
git merge -q -m 'the merge' side
git tag -a -m 'a tag' v1
git repack -q -a -d -f --threads=2 --depth=20 --window=20
git rm -q -r dir3
git commit -q -m 'without dir3'
git -c gc.pruneExpire=now -c pack.threads=2 gc --quiet --aggressive --prune=now
git -c pack.threads=2 fsck --full --strict --no-progress

git log --all --stat --format='%H %P %s' | cksum
git log -p --all -M -C | cksum
git diff imported~200 imported | cksum
git grep --threads=2 -n 'value 1[0-9]*7$' imported~100 | cksum
git blame -s dir1/file1.txt | cksum
git rev-parse HEAD side v1
git cat-file --batch-all-objects --batch-check | sort >../objects.sum
git cat-file --batch-all-objects --batch | cksum >>../objects.sum
git clone -q --no-local . ../clone
git -C ../clone fsck --full --no-progress
git -C ../clone log --format=%H | cksum
git bundle create -q ../all.bundle --all
git bundle verify -q ../all.bundle
git archive --format=tar HEAD | cksum
