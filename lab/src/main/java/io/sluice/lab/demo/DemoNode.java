package io.sluice.lab.demo;

import java.nio.file.Path;

/**
 * A node of the demo, for its daemon.
 *
 * @param name of the node
 * @param namespace of the network that the daemon lives in
 * @param directory of its state and log
 * @param registry the folder that it follows
 */
record DemoNode(String name, Path namespace, Path directory, Path registry) {
  Path state() {
    return directory.resolve("state");
  }

  Path accessLog() {
    return state().resolve("access.log");
  }

  Path daemonLog() {
    return directory.resolve("daemon.log");
  }
}
