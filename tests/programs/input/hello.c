// tests/programs/input/hello.c - the smallest program, in C and in C++.
#include <stdio.h>

int main(void)
{
    puts("hello");
    return 0;
}
