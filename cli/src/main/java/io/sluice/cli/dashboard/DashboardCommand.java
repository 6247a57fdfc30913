package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.arguments.ListenAddress;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.control.ControllerTarget;
import io.sluice.cli.node.NodeTarget;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.process.Termination;
import io.sluice.control.StateDirectory;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice dashboard}. */
@Command(
    name = "dashboard",
    description = {
      "Serves a page for a browser until it is stopped: who calls whom on this node, how often, with"
          + " what success, latency and mutual TLS, what is refused and by which object, certificates,"
          + " and how the node is. With --control-state, --kubeconfig or --context, and beside a daemon with"
          + " --standalone, it has a view of the whole mesh too: each node, objects that cannot be used"
          + " and why, certificates, and who calls whom across nodes.",
      "The address that it prints has a token in it, without which nothing is told. Daemons and"
          + " controller open no port for it: they are asked by their admin sockets, in a cluster by"
          + " this program in their own pods (right: create pods/exec), and only while a page is open."
    },
    mixinStandardHelpOptions = true)
public final class DashboardCommand implements Callable<Integer> {
  private static final String CONTROL_STATE = "--control-state";

  @Option(
      names = "--address",
      paramLabel = "ADDRESS:PORT",
      defaultValue = "127.0.0.1:15022",
      description =
          "Address of the loopback where the page is served; port 0 takes a free one. Default:"
              + " ${DEFAULT-VALUE}.")
  private String address = "";

  @Option(
      names = CONTROL_STATE,
      paramLabel = "DIR",
      description =
          "The folder of a controller on this machine, for a view of its mesh. Default: that of"
              + " --standalone, where it is.")
  private @Nullable Path state;

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  /** What the page of a whole mesh is told of one node. */
  @Option(names = "--once", hidden = true)
  private boolean once;

  @Mixin private NodeTarget target = new NodeTarget();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws InterruptedException {
    if (once) {
      return printOnce();
    }
    InetSocketAddress where = address();
    Optional<MeshSource> mesh = mesh();
    Optional<String> node = node(mesh.isPresent());
    try (Termination termination = new Termination();
        Dashboard page =
            node.map(name ->
                    Dashboard.start(
                        where, name, NodeSettings.adminSocket(name), meshOf(mesh, name)))
                .orElseGet(() -> Dashboard.start(where, mesh.orElseThrow()))) {
      termination.begin();
      PrintWriter out = spec.commandLine().getOut();
      out.println(page.url());
      out.flush();
      termination.await();
      termination.succeeded();
    }
    return ExitCode.OK.code();
  }

  private int printOnce() {
    String node = target.name();
    try {
      ObjectNode said = new NodeView(node, new AdminClient(NodeSettings.adminSocket(node))).now();
      spec.commandLine().getOut().println(said);
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw NodeTarget.silence(node, e);
    }
  }

  /** The one whose page it is; with a mesh to show, none where none is meant and none answers. */
  private Optional<String> node(boolean canDoWithout) {
    try {
      String name = target.name();
      target.ask(AdminRequest.of("status")); // who may not ask, or of whom, learns why
      return Optional.of(name);
    } catch (IllegalStateException | ParameterException e) {
      if (canDoWithout && !target.isNamed()) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private Optional<MeshSource> mesh() {
    if (cluster.isNamed() && state != null) {
      throw new ParameterException(
          spec.commandLine(),
          CONTROL_STATE + " and --kubeconfig or --context name two meshes; say one");
    }
    if (cluster.isNamed()) {
      return Optional.of(clusterMesh());
    }
    return Optional.ofNullable(state)
        .map(directory ->
            new LocalMesh(ControllerTarget.directory(directory, CONTROL_STATE, spec), Set.of()));
  }

  private MeshSource clusterMesh() {
    try {
      ClusterAccess access = cluster.access();
      access.config(); // who may not be asked is known at once
      return new ClusterMesh(access);
    } catch (LinkageError e) {
      throw new IllegalStateException("this image has no client of Kubernetes", e);
    }
  }

  /** Else of the controller in the daemon's own process, where there is one. */
  private static Optional<MeshSource> meshOf(Optional<MeshSource> named, String node) {
    Path own = NodeSettings.embeddedController(NodeTarget.lastStateOf(node));
    return named.or(() ->
        Optional.of(own)
            .filter(StateDirectory::isOne)
            .map(directory -> new LocalMesh(StateDirectory.at(directory), Set.of(node))));
  }

  private InetSocketAddress address() {
    try {
      InetSocketAddress where = ListenAddress.parse("--address", address);
      if (!where.getAddress().isLoopbackAddress()) {
        throw new IllegalArgumentException(
            "--address '" + address + "' is none of the loopback, such as 127.0.0.1:15022");
      }
      return where;
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
