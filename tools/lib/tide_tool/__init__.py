"""What the command `tide` is made of: each module reads or shows one thing.

memory    bytes of a running process, or of the library's file
kernel    what /proc says: mappings, resident bytes, stacks
sight     the library's own description of its structures, found by a note, read by name
figures   what the process holds, in the words of the library's statistics
segments  the address space, piece by piece, with names
show      tables, sizes and JSON of these
watch     runs a program and looks at it again and again
screen    the picture in the terminal, while it runs
picture   the picture in a file, at the end
options   the table of settings
command   arguments, errors, exit statuses
"""
