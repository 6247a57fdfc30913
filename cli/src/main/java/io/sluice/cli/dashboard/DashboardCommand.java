package io.sluice.cli.dashboard;

import io.sluice.cli.arguments.ListenAddress;
import io.sluice.cli.node.NodeTarget;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.process.Termination;
import io.sluice.node.NodeSettings;
import io.sluice.process.AdminRequest;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.util.concurrent.Callable;
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
          + " and how the node is.",
      "The address that it prints has a token in it, without which nothing is told. The daemon"
          + " opens no port; it is asked by its admin socket, and only while a page is open."
    },
    mixinStandardHelpOptions = true)
public final class DashboardCommand implements Callable<Integer> {
  @Option(
      names = "--address",
      paramLabel = "ADDRESS:PORT",
      defaultValue = "127.0.0.1:15022",
      description =
          "Address of the loopback where the page is served; port 0 takes a free one. Default:"
              + " ${DEFAULT-VALUE}.")
  private String address = "";

  @Mixin private NodeTarget target = new NodeTarget();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws InterruptedException {
    InetSocketAddress where = address();
    String node = target.name();
    target.ask(AdminRequest.of("status")); // who may not ask, or of whom, learns why
    try (Termination termination = new Termination();
        Dashboard page = Dashboard.start(where, node, NodeSettings.adminSocket(node))) {
      termination.begin();
      PrintWriter out = spec.commandLine().getOut();
      out.println(page.url());
      out.flush();
      termination.await();
      termination.succeeded();
    }
    return ExitCode.OK.code();
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
