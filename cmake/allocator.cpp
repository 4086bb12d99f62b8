// Settings that jemalloc looks up by this name. A thread of its own gives unused pages back, also in a process that has nothing
// to do any more; ten seconds keep them for the next burst.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "background_thread:true,dirty_decay_ms:10000,muzzy_decay_ms:0";
}
