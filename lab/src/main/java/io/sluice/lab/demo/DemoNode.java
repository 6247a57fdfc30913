package io.sluice.lab.demo;

import io.sluice.lab.site.SitePod;
import java.nio.file.Path;

/**
 * A node of the demo, for its daemon.
 *
 * @param name of the node
 * @param machine whose network the daemon lives in
 * @param directory of its state and log
 * @param registry the folder that it follows
 */
record DemoNode(String name, SitePod machine, Path directory, Path registry) {
  Path state() {
    return directory.resolve("state");
  }

  Path accessLog() {
    return state().resolve("access.log");
  }
}
