#include "weft/workers/process.hpp"

int main(int argc, char** argv) {
    return weft::workers::run_process(argc, argv,
                                      {.name = "event_persister", .app = "weft.app.event_persister", .kind = weft::http::WorkerKind::kEventPersister});
}
