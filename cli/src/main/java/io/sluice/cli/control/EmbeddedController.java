package io.sluice.cli.control;

import io.sluice.cli.output.RegistryProblems;
import io.sluice.control.Controller;
import io.sluice.control.ControllerSettings;
import io.sluice.control.StateDirectory;
import io.sluice.control.admission.JoinTokens;
import io.sluice.control.admission.JoinTokens.JoinToken;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.DurableFiles;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.folder.FolderRegistry;
import io.sluice.control.registry.CompiledRegistry;
import io.sluice.control.server.ServerSettings;
import io.sluice.node.RegistryFindings;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.process.AdminServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;

/**
 * A controller for the one node whose daemon runs in the same process. Everything goes over its
 * port as with a controller elsewhere, which here only this machine reaches; the node joins by a
 * token that is made at each start.
 */
public final class EmbeddedController implements AutoCloseable {
  private static final Duration DRAIN = Duration.ofSeconds(1);
  private static final String JOIN_TOKEN = "own-join-token";

  private final Controller controller;
  private final CompiledRegistry objects;
  private final AdminServer admin;
  private final Path joinToken;

  private EmbeddedController(
      Controller controller, CompiledRegistry objects, AdminServer admin, Path joinToken) {
    this.controller = controller;
    this.objects = objects;
    this.admin = admin;
    this.joinToken = joinToken;
  }

  /**
   * Starts it, with the built-in authority; it is ready when this returns.
   *
   * @param registry folder of Kubernetes YAML
   * @param state the controller's own directory; made where it is missing
   * @param node the one that gets {@link #joinToken}; Pods that name none run there
   * @param clock the daemon's
   * @throws RuntimeException naming what is wrong and what to do; nothing is left running then
   */
  public static EmbeddedController start(
      Path registry, Path state, String node, InstantSource clock) {
    StateDirectory directory = StateDirectory.at(state);
    FolderRegistry objects =
        new FolderRegistry(registry, CompilerSettings.USUAL.ofNode(node), new RegistryProblems());
    Controller controller = Controller.start(settings(state), objects, clock);
    try {
      Path joinToken = state.resolve(JOIN_TOKEN);
      DurableFiles.write(joinToken, freshToken(directory, node, clock));
      return new EmbeddedController(
          controller,
          objects,
          AdminServer.start(directory.adminSocket(), new ControllerAnswers(controller, objects)),
          joinToken);
    } catch (RuntimeException e) {
      controller.close();
      throw e;
    }
  }

  private static ControllerSettings settings(Path state) {
    Duration leaf = CertificateRequest.DEFAULT_LIFETIME;
    return new ControllerSettings(
        state,
        null,
        leaf,
        ControllerSettings.usualNodeLifetime(leaf),
        DRAIN,
        ServerSettings.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)),
        null);
  }

  /** One at a time: a daemon that dies at each start must not fill the directory. */
  private static String freshToken(StateDirectory directory, String node, InstantSource clock) {
    JoinTokens tokens = directory.joinTokens(clock);
    tokens.list().stream().map(JoinToken::id).forEach(tokens::revoke);
    return directory.newJoinToken(node, JoinTokens.DEFAULT_LIFETIME, clock);
  }

  /** Where the daemon reaches it. */
  public ControlAddress address() {
    return new ControlAddress(InetAddress.getLoopbackAddress().getHostAddress(), controller.port());
  }

  /** What is found in the folder now; any thread. */
  public RegistryFindings registry() {
    return RegistryProblems.of(objects.status());
  }

  /** File with the token of this start; good for one admission. */
  public Path joinToken() {
    return joinToken;
  }

  @Override
  public void close() {
    admin.close();
    controller.close();
  }
}
