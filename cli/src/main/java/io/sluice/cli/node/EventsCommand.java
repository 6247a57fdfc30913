package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.mesh.Spelling;
import io.sluice.mesh.decision.Reason;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice node events}. */
@Command(
    name = "events",
    description =
        "Shows the latest refusals of the hooks and of the proxy, with the reason; allowed flows on"
            + " request.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "sequence (number): grows by one with each event of a daemon",
      "time: in UTC",
      "origin: kernel, proxy, or enrolment for a connection older than that",
      "pod: NAMESPACE/NAME whose traffic it was, netns:COOKIE where it is not known any more",
      "direction: inbound or outbound",
      "protocol: tcp, udp, http for a request, http-copy for one that a RequestMirror gets, or the IANA"
          + " number",
      "source: address and port of the client; - where none is chosen yet, or where no daemon"
          + " took it and only an address of loopback was seen",
      "destination: where it was to go before interception; - where that is not known",
      "verdict: what became of the flow",
      "reason: why, in a word that metrics have too",
      "rule: object that decided, of a route with the rule of it; - where none did",
      "explanation: the reason in a sentence"
    })
final class EventsCommand implements Callable<Integer> {
  private static final String EVENTS = "events";

  private static final List<String> COLUMNS =
      List.of(
          "time", "verdict", "reason", "pod", "destination", "source", "direction", "explanation");

  private static final List<String> ALL_COLUMNS =
      List.of(
          "time",
          "origin",
          "verdict",
          "reason",
          "pod",
          "direction",
          "protocol",
          "source",
          "destination",
          "rule",
          "explanation");

  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Option(
      names = {"-f", "--follow"},
      description = "Keep printing as they come.")
  private boolean follow;

  @Option(
      names = "--allowed",
      description =
          "With --follow: flows that are allowed too, each as it ends. Those of before are in the"
              + " access log alone.")
  private boolean allowed;

  @Option(names = "--pod", paramLabel = "[NAMESPACE/]NAME", description = "Only those of this pod.")
  private @Nullable String pod;

  @Option(
      names = "--reason",
      paramLabel = "WORD",
      description = "Only those for this reason, such as no_traffic_target.")
  private @Nullable String reason;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      converter = WrittenDurationConverter.class,
      description = "Only those of so long ago, such as 90s or 5m, and later.")
  private @Nullable Duration since;

  @Option(names = "--last", paramLabel = "COUNT", description = "Of those of before, only so many.")
  private int last = Integer.MAX_VALUE;

  @Spec private CommandSpec spec = CommandSpec.create();

  private long lastSequence;

  @Override
  public Integer call() {
    requireSense();
    List<JsonNode> before =
        target.ask(AdminRequest.of(EVENTS)).stream().filter(this::isNewAndWanted).toList();
    Consumer<List<JsonNode>> printer =
        Listing.growing(
            output.format() == OutputFormat.wide ? ALL_COLUMNS : COLUMNS,
            output.format(),
            spec.commandLine().getOut());
    printer.accept(before.subList(Math.max(0, before.size() - last), before.size()));
    if (follow) {
      try {
        target.client().stream(
            new AdminRequest(EVENTS, allowed ? AdminRequest.WITH_ALLOWED : "", true),
            event -> {
              if (isNewAndWanted(event)) {
                printer.accept(List.of(event));
              }
            });
      } catch (IOException e) {
        throw target.silence(e);
      }
    }
    return ExitCode.OK.code();
  }

  private void requireSense() {
    if (allowed && !follow) {
      throw new ParameterException(
          spec.commandLine(),
          "--allowed is for --follow: the daemon keeps refused flows, and tells of allowed ones"
              + " only while somebody follows");
    }
    if (last < 0) {
      throw new ParameterException(spec.commandLine(), "--last " + last + " is less than 0");
    }
    List<String> reasons = Arrays.stream(Reason.values()).map(Reason::label).toList();
    if (reason != null && !reasons.contains(reason)) {
      throw new ParameterException(
          spec.commandLine(),
          "--reason '" + reason + "' is no reason" + Spelling.hint(reason, reasons));
    }
  }

  private boolean isNewAndWanted(JsonNode event) {
    long sequence = event.path("sequence").asLong();
    if (sequence <= lastSequence) {
      return false;
    }
    lastSequence = sequence;
    String name = event.path("pod").asText();
    return NodeTarget.isMeant(pod, name)
        && (reason == null || event.path("reason").asText().equals(reason))
        && (since == null
            || !Instant.parse(event.path("time").asText()).isBefore(Instant.now().minus(since)));
  }
}
