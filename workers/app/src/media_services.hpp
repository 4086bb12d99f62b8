#pragma once

#include "stores.hpp"
#include "weft/core/background.hpp"
#include "weft/handlers/media/media_admin.hpp"
#include "weft/handlers/media/media_files.hpp"
#include "weft/handlers/media/media_repository.hpp"
#include "weft/handlers/media/url_previews.hpp"

namespace weft::workers {

/// The media repository and what belongs to it.
struct MediaServices {
    MediaServices(Stores& stores, const core::Config& config, const core::Clock& clock,
                  asio::any_io_executor executor)
        : files{config.media, clock, executor},
          repository{stores.media, files, config, clock},
          admin{stores.media, repository},
          previews{stores.url_previews, repository, config, clock, executor},
          tasks{std::move(executor)} {}

    /// From now on clears away what nobody needs any more; in one process, the master.
    void start() {
        tasks.spawn("media_expiry", [this]() -> Task<void> {
            for (;;) {
                co_await core::sleep_for(core::Milliseconds{3'600'000});
                // One that fails does not end the others.
                tasks.spawn("media_tidy", [this]() -> Task<void> {
                    co_await repository.remove_unused();
                    co_await previews.expire();
                });
            }
        });
    }
    Task<void> stop() { co_await tasks.stop(); }

    handlers::MediaFiles files;
    handlers::MediaRepository repository;
    handlers::MediaAdmin admin;
    handlers::UrlPreviews previews;
    core::BackgroundTasks tasks;
};

}  // namespace weft::workers
