#include "weft/workers/process.hpp"

int main(int argc, char** argv) {
    return weft::workers::run_process(
        argc, argv, {.name = "pusher", .app = "weft.app.pusher", .kind = weft::http::WorkerKind::kPusher});
}
