package io.sluice.cli.check;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.IngressInquiry.Answer;
import io.sluice.cli.check.IngressInquiry.Question;
import io.sluice.cli.check.IngressInquiry.Step;
import io.sluice.cli.check.IngressWays.Way;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Printable;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice verify ingress}. */
@Command(
    name = "ingress",
    description = {
      "Says whether an IngressBackend lets an ingress reach a backend, which one, and why or why not:"
          + " by the objects, and by the daemon of this node where it has the pod. Nothing is called.",
      "Exit code 0: one lets it in. 1: none does, or not all of it."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "verdict: let in, kept out, arrives without an IngressBackend, mixed where connections differ, or"
          + " unknown",
      "ingressBackend: NAMESPACE/NAME of that which decides, or -",
      "source: who calls",
      "port (number): of the pods; 0 where none is known",
      "steps[].mark: ok, turn (worth knowing) or stop",
      "steps[].text: what was found",
      "steps[].mend: what to do, or -",
      "ways[].from: With a known source and pod, as all of ways: address of the ingress; of a range one of"
          + " each part that policy tells apart",
      "ways[].to: With ways: address and port",
      "ways[].pod: With ways: NAMESPACE/NAME there",
      "ways[].verdict: With ways: as above, by the objects",
      "ways[].reason: With ways: in a word that metrics and events have too",
      "ways[].node: With ways: as verdict, by the daemon of this node; unknown where it"
          + " was not asked"
    })
final class IngressCommand implements Callable<Integer> {
  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  @Option(
      names = "--to-pod",
      paramLabel = "NAMESPACE/NAME",
      description = "The Pod called. Default: every one of --to-service.")
  private @Nullable String pod;

  @Option(
      names = "--to-service",
      paramLabel = "[NAMESPACE/]NAME",
      description =
          "The Service called; a name alone is of the namespace of --to-pod. Default: those of --to-pod.")
  private @Nullable String service;

  @Option(
      names = "--to-port",
      paramLabel = "PORT",
      description = "Port of the pods. Default: that of the IngressBackend.")
  private int port;

  @Option(
      names = "--ingress-backend",
      paramLabel = "NAME",
      description = "The IngressBackend that has to be the one that lets it in.")
  private @Nullable String ingress;

  @Mixin private LookOptions look = new LookOptions();

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Who calls. */
  static final class Source {
    @Option(
        names = "--from-service",
        paramLabel = "NAMESPACE/NAME",
        description = "The Service of the ingress's pods.")
    private @Nullable String service;

    @Option(
        names = "--from-range",
        paramLabel = "CIDR|ADDRESS",
        description = "Where an ingress outside the cluster calls from.")
    private @Nullable String range;
  }

  @Override
  public Integer call() {
    Question question = question();
    Facts facts = look.facts(spec.commandLine(), false);
    Answer answer;
    try {
      answer =
          new IngressInquiry(facts.objects(), question, look.node(), look.daemon()::why).answer();
    } catch (NotThereException e) {
      throw new IllegalStateException("the objects are not to be had: " + e.getMessage(), e);
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(json(question, answer), out);
    } else {
      print(question, answer, out);
    }
    out.flush();
    return ExitCode.of(answer.isGood()).code();
  }

  private Question question() {
    try {
      String calledPod = pod;
      String calledService = service;
      NamespacedName to = calledPod == null ? null : NamespacedName.parse(calledPod);
      if (to == null && (calledService == null || !calledService.contains("/"))) {
        throw new IllegalArgumentException(
            "say --to-pod NAMESPACE/NAME, or --to-service NAMESPACE/NAME");
      }
      NamespacedName backend = null;
      if (calledService != null) {
        backend =
            calledService.contains("/") || to == null
                ? NamespacedName.parse(calledService)
                : new NamespacedName(to.namespace(), calledService);
      }
      if (port < 0 || port > 65_535) {
        throw new IllegalArgumentException("--to-port " + port + " is no port");
      }
      String from = source.service;
      return new Question(
          from == null ? null : NamespacedName.parse(from), range(), to, backend, port, ingress);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private @Nullable Cidr range() {
    String range = source.range;
    if (range == null) {
      return null;
    }
    return range.contains("/") ? Cidr.parse(range) : Cidr.of(IpAddresses.parse(range));
  }

  private static void print(Question question, Answer answer, PrintWriter out) {
    out.println(
        question.source()
            + " -> "
            + (question.podOrNull() == null
                ? "Service " + question.backendOrNull()
                : "pod " + question.podOrNull())
            + ", port "
            + answer.port());
    out.println(
        answer.word().label().toUpperCase(Locale.ROOT)
            + (answer.rule().isEmpty() ? "" : ": by IngressBackend " + answer.rule()));
    for (Step step : answer.steps()) {
      out.printf(
          "  %-5s %s%n",
          step.mark(),
          Printable.line(step.text() + (step.mend().isEmpty() ? "" : "; " + step.mend())));
    }
    for (Way way : answer.ways()) {
      out.println(
          "  %s -> %s %s: %s (%s); node: %s"
              .formatted(
                  way.from(),
                  way.to(),
                  way.pod(),
                  way.word().label(),
                  way.reason(),
                  way.node().label()));
    }
  }

  private static ObjectNode json(Question question, Answer answer) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("verdict", answer.word().label());
    json.put("ingressBackend", answer.rule().isEmpty() ? "-" : answer.rule());
    json.put("source", question.source());
    json.put("port", answer.port());
    ArrayNode steps = json.putArray("steps");
    for (Step step : answer.steps()) {
      steps
          .addObject()
          .put("mark", step.mark())
          .put("text", step.text())
          .put("mend", step.mend().isEmpty() ? "-" : step.mend());
    }
    ArrayNode ways = json.putArray("ways");
    for (Way way : answer.ways()) {
      ways.addObject()
          .put("from", way.from())
          .put("to", way.to())
          .put("pod", way.pod().toString())
          .put("verdict", way.word().label())
          .put("reason", way.reason())
          .put("node", way.node().label());
    }
    return json;
  }
}
