#include "weft/workers/process.hpp"

int main(int argc, char** argv) {
    return weft::workers::run_process(argc, argv,
                                      {.name = "synchrotron", .app = "weft.app.synchrotron", .kind = weft::http::WorkerKind::kSynchrotron});
}
