package io.sluice.chaos;

import io.sluice.control.StateDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** The controller, whichever process it is at the moment. For one thread, but {@link #port}. */
final class ControllerLife {
  private static final Duration DUMP_PATIENCE = Duration.ofSeconds(3);
  private static final Duration TOKEN_LIFETIME = Duration.ofHours(1);

  private final Path home;
  private final int apiPort;
  private final ChildJvm process;
  private volatile int port;

  /**
   * Starts nothing.
   *
   * @param home made; holds the account by which the API server knows the controller
   * @param apiPort where the API server is for it
   */
  ControllerLife(Path home, int apiPort) {
    this.home = home;
    this.apiPort = apiPort;
    this.process = new ChildJvm(home, ControllerProgram.class, this::heard);
  }

  private void heard(String line) {
    if (line.startsWith(ControllerProgram.PORT)) {
      port = Integer.parseInt(line.substring(ControllerProgram.PORT.length()));
    }
  }

  /** Its control port; 0 while it has none. */
  int port() {
    return port;
  }

  ChildJvm process() {
    return process;
  }

  void start() {
    process.start(List.of(), List.of(home.toString(), Integer.toString(apiPort)));
  }

  void kill() {
    process.kill();
    port = 0;
  }

  /** A join token for a node. The controller must have run before. */
  String token(String node) {
    return StateDirectory.at(home.resolve(ControllerProgram.STATE))
        .newJoinToken(node, TOKEN_LIFETIME, InstantSource.system());
  }

  /** What its registry has to say; empty where it does not answer. */
  Optional<List<String>> statusLines() {
    return process
        .dump(DUMP_PATIENCE)
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8).lines().toList());
  }

  /** Makes the directory in which it is at home. */
  static Path home(Path parent) {
    Path home = parent.resolve("controller");
    try {
      Files.createDirectories(home.resolve(ControllerProgram.ACCOUNT));
      return home;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make a directory in " + parent, e);
    }
  }
}
