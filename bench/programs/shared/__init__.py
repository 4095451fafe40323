# bench/programs/shared - what the kinds share.
