# build.sh CC CXX SOURCES FLAGS... - compiles a folder of sources in the working directory, links
# the generated program, runs it, and leaves the digests of all that was made in objects.sum.
set -eu
cc=$1 cxx=$2 sources=$3
shift 3
for file in "$sources"/*.c; do
    "$cc" -std=gnu11 -D_GNU_SOURCE -pthread -O2 -g "$@" -c -o "$(basename "$file").o" "$file"
done
for file in "$sources"/*.cc; do
    "$cxx" -std=c++17 -O1 -g -c -o "$(basename "$file").o" "$file"
done
"$cc" -O2 -c -pipe -o optimised.o "$sources/generated.c"
"$cc" -O2 -E -dD "$sources/generated.c" >generated.i
"$cc" -O2 -S -o generated.s generated.i
"$cxx" -o program generated.c.o templates.cc.o
"$cc" -O1 -flto -frandom-seed=1 -c -o slim.o "$sources/generated.c"
./program
sha1sum -- *.o generated.s program >objects.sum
