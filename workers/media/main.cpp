#include "weft/workers/process.hpp"

int main(int argc, char** argv) {
    return weft::workers::run_process(
        argc, argv, {.name = "media", .app = "weft.app.media", .kind = weft::http::WorkerKind::kMedia});
}
