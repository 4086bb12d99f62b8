#include "weft/workers/process.hpp"

int main(int argc, char** argv) {
    return weft::workers::run_process(argc, argv,
                                      {.name = "master", .app = "weft.app.homeserver", .kind = weft::http::WorkerKind::kMaster});
}
