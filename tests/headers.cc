// What is compiled here is the precompiled header of its target, which has to
// be a program, as the tests are, for them to use it.
int main() {}
