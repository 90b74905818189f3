// How jemalloc works in this process; it reads this string before main(). Options: jemalloc(3),
// "TUNING".
//
// The background thread returns freed pages to the system a second later, whether or not a thread
// of ours allocates again: what an attack or a burst took doesn't stay. One arena and small caches
// of the threads pack what lives long closely; the few threads that allocate don't wait for each
// other measurably.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf =
    "background_thread:true,max_background_threads:1,dirty_decay_ms:1000,muzzy_decay_ms:0,"
    "narenas:1,lg_tcache_max:12,tcache_nslots_small_max:32";
}
