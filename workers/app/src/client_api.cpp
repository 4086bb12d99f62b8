#include "client_api.hpp"

namespace weft::workers {

ClientApi::ClientApi(Services& services, const core::Config& config)
    : admin_register_{services.shared_secret_registration, config},
      account_{services.accounts, services.interactive_auth},
      create_room_{services.create_room},
      devices_{services.devices, services.interactive_auth},
      directory_{services.directory},
      filter_{services.filters},
      login_{services.login, services.sessions, config},
      membership_{services.membership, services.directory},
      profile_{services.profiles, config},
      public_rooms_{services.public_rooms, config.server_name},
      register_{services.registration, config},
      room_state_{services.state_events},
      room_upgrade_{services.room_upgrade},
      send_{services.messages},
      server_info_{config},
      sync_{services.sync, services.sync_filters} {}

void ClientApi::register_on(http::Router& router) {
    admin_register_.register_on(router);
    account_.register_on(router);
    create_room_.register_on(router);
    devices_.register_on(router);
    directory_.register_on(router);
    filter_.register_on(router);
    login_.register_on(router);
    membership_.register_on(router);
    profile_.register_on(router);
    public_rooms_.register_on(router);
    register_.register_on(router);
    room_state_.register_on(router);
    room_upgrade_.register_on(router);
    send_.register_on(router);
    server_info_.register_on(router);
    sync_.register_on(router);
}

}  // namespace weft::workers
