package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.OutputFormat;
import io.sluice.mesh.Printable;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice node events}. */
@Command(
    name = "events",
    description = "Shows refusals of the hooks and of the proxy, with the reason.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "sequence (number): grows by one with each event of a daemon",
      "time: in UTC",
      "origin: kernel, proxy, or enrolment for a connection older than that",
      "pod: NAMESPACE/NAME whose traffic it was, netns:COOKIE where it is not known any more",
      "direction: inbound or outbound",
      "protocol: tcp, udp, http for a request, or the IANA number",
      "source: address and port of the client; - where none is chosen yet",
      "destination: where it was to go before interception; - where that is not known",
      "verdict: what became of the flow",
      "reason: why, in a word that metrics have too",
      "rule: object that decided; - where none did",
      "explanation: the reason in a sentence"
    })
final class EventsCommand implements Callable<Integer> {
  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private NodeCommand.NodeOutput output = new NodeCommand.NodeOutput();

  @Option(
      names = {"-f", "--follow"},
      description = "Keep printing as they come.")
  private boolean follow;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try {
      // One event a line in both formats, so that a follower can be read as it grows.
      target.client().stream(new AdminRequest("events", "", follow), event -> print(event, out));
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw target.silence(e);
    }
  }

  private void print(JsonNode event, PrintWriter out) {
    if (output.format() == OutputFormat.json) {
      out.println(event);
    } else {
      out.printf(
          "%s %-8s %-8s %-32s %-5s %s -> %s  %s (%s)%s%n",
          text(event, "time"),
          text(event, "verdict"),
          text(event, "direction"),
          text(event, "pod"),
          text(event, "protocol"),
          text(event, "source"),
          text(event, "destination"),
          text(event, "reason"),
          text(event, "explanation"),
          text(event, "rule").equals("-") ? "" : " rule=" + text(event, "rule"));
    }
    out.flush();
  }

  private static String text(JsonNode event, String member) {
    return Printable.line(event.path(member).asText());
  }
}
