package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.CheckRun.Unlooked;
import io.sluice.cli.check.Facts.Source;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.cli.cluster.ClusterOptions;
import io.sluice.cli.output.ExitCode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.mesh.Printable;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice check}: exit code 1 where a finding is an error, or a check failed itself. */
@Command(
    name = "check",
    description = {
      "Looks for what is wrong with this node, its cluster, or a folder of manifests.",
      "What cannot be looked at is said, and is no fault. Exit code 0: no errors. 1: errors."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "checks (number): how many could look",
      "errors (number): findings of severity error",
      "warnings (number): findings of severity warning",
      "findings[].code: as `support error-info` explains it",
      "findings[].severity: error, warning or info",
      "findings[].title: what it is",
      "findings[].subject: what it is about",
      "findings[].seen: with the values",
      "findings[].cause: where it comes from",
      "findings[].mend: what to do",
      "notLooked[].subject: With something that is not there: what",
      "notLooked[].why: With something that is not there: why",
      "failed[].subject: With a check that failed itself: what it was to look at",
      "failed[].why: With a check that failed itself: how"
    })
public final class CheckCommand implements Callable<Integer> {
  private static final Duration MOST = Duration.ofSeconds(20);
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  @Option(
      names = "--pre",
      description = "Before an install: a daemon, a controller and a mesh are not expected.")
  private boolean before;

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "Folder of Kubernetes YAML. Default: the cluster, where there is one.")
  private @Nullable Path registry;

  @Option(
      names = "--node-name",
      paramLabel = "NAME",
      description = "Node to look at. Default: the only one on this machine, else the host name.")
  private @Nullable String nodeName;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description = "The daemon's folder. Default: /var/lib/sluice/NAME.")
  private @Nullable Path state;

  @Option(
      names = "--control-state",
      paramLabel = "DIR",
      description =
          "The folder of a controller on this machine. Default: that of --standalone, where it is.")
  private @Nullable Path controlState;

  @Option(
      names = "--cni-root",
      paramLabel = "DIR",
      description = "Where the node's file system is seen. Default: ${DEFAULT-VALUE}.",
      defaultValue = "/")
  private Path cniRoot = Path.of("/");

  @Option(
      names = "--without-cluster",
      description = "Ask no API server, even where a kubeconfig is found.")
  private boolean withoutCluster;

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Mixin private OutputOption output = new OutputOption();

  @Spec private CommandSpec spec = CommandSpec.create();

  /** For picocli. */
  public CheckCommand() {}

  @Override
  public Integer call() {
    if (registry != null && !Files.isDirectory(registry)) {
      throw new ParameterException(
          spec.commandLine(), "--registry " + registry + " is not a folder");
    }
    boolean shows = output.format() != OutputFormat.json && System.console() != null;
    PrintWriter err = spec.commandLine().getErr();
    CheckRun run =
        CheckRun.of(
            CheckRun.checks(),
            facts(),
            MOST,
            subject -> {
              if (shows) {
                err.print("\r\u001b[K" + subject + " …");
                err.flush();
              }
            });
    if (shows) {
      err.print("\r\u001b[K");
      err.flush();
    }
    PrintWriter out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(json(run), out);
    } else {
      print(run, out);
    }
    out.flush();
    return ExitCode.of(run.count(Severity.ERROR) == 0 && run.failed().isEmpty()).code();
  }

  private Facts facts() {
    String node = node();
    Path folder = state == null ? Path.of("/var/lib/sluice").resolve(node) : state;
    Path controller = controlState == null ? folder.resolve("controller") : controlState;
    Host host = new Host(Path.of("/"));
    Map<Topic, Source<JsonNode>> topics = new EnumMap<>(Topic.class);
    topics.put(Topic.KERNEL, NodeFacts::kernel);
    topics.put(Topic.CAPABILITIES, NodeFacts::capabilities);
    topics.put(Topic.DISK, () -> NodeFacts.disk(folder));
    topics.put(Topic.STATUS, () -> NodeFacts.answer(node, "status"));
    topics.put(Topic.PODS, () -> NodeFacts.answers(node, "pods"));
    topics.put(Topic.CERTIFICATES, () -> NodeFacts.answers(node, "certificates"));
    topics.put(Topic.EVENTS, () -> NodeFacts.answers(node, "events"));
    topics.put(Topic.MAPS, () -> NodeFacts.maps(node));
    topics.put(Topic.PINS, NodeFacts::pins);
    topics.put(Topic.CNI, () -> NodeFacts.cni(cniRoot, node, folder));
    topics.put(Topic.RULES, NodeFacts::rules);
    topics.put(Topic.RESOLVER, () -> NodeFacts.resolver(host));
    topics.put(Topic.CONTROLLER, () -> NodeFacts.controller(controller));
    Source<JsonNode> asked = clusterSource();
    topics.put(Topic.CLUSTER, asked);
    return new Facts(host, folder, Instant.now(), topics, objects(asked));
  }

  private String node() {
    if (nodeName != null) {
      try {
        return PinDirectory.requireNodeName(nodeName);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), "--node-name: " + e.getMessage(), e);
      }
    }
    List<String> known = PinDirectory.nodeNames();
    return known.size() == 1
        ? known.getFirst()
        : new Host(Path.of("/")).text(HOST_NAME.toString()).orElse("node").split("\\.")[0];
  }

  private Source<JsonNode> clusterSource() {
    boolean named =
        List.of("--kubeconfig", "--context").stream()
            .anyMatch(spec.commandLine().getParseResult()::hasMatchedOption);
    if (withoutCluster || (registry != null && !named)) {
      return () -> {
        throw new NotThereException("no cluster is asked");
      };
    }
    if (named) {
      return ClusterFacts.source(cluster.access(), before);
    }
    return () -> {
      try {
        return ClusterFacts.source(cluster.access(), before).gather();
      } catch (ParameterException e) {
        throw new NotThereException(String.valueOf(e.getMessage()));
      } catch (LinkageError e) {
        throw new NotThereException("this image has no client of Kubernetes");
      }
    };
  }

  private Source<Objects> objects(Source<JsonNode> asked) {
    Path folder = registry;
    if (folder != null) {
      return () -> NodeFacts.registry(folder);
    }
    return () -> {
      JsonNode answers = asked.gather();
      if (answers.has("silence")) {
        throw new NotThereException("the API server is not reached");
      }
      return ClusterFacts.objects(answers);
    };
  }

  private static void print(CheckRun run, PrintWriter out) {
    for (Found one : run.found()) {
      out.println(
          "%s %s %s"
              .formatted(one.code().label(), one.code().severity().word(), one.code().title()));
      out.println("  " + one.subject() + ": " + one.seen());
      out.println("  " + one.code().cause());
      out.println("  " + one.code().mend());
    }
    for (Unlooked one : run.failed()) {
      out.println("failed itself: " + one.subject() + ": " + Printable.line(one.why()));
    }
    Map<String, List<String>> reasons = new LinkedHashMap<>();
    run.notLooked()
        .forEach(
            one -> reasons.computeIfAbsent(one.why(), _ -> new ArrayList<>()).add(one.subject()));
    reasons.forEach((why, subjects) ->
        out.println("not looked at, " + Printable.line(why) + ": " + String.join(", ", subjects)));
    out.println(
        "%s checks: %s errors, %s warnings, %s notes"
            .formatted(
                run.looked(),
                run.count(Severity.ERROR),
                run.count(Severity.WARNING),
                run.count(Severity.INFO)));
  }

  private static ObjectNode json(CheckRun run) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("checks", run.looked());
    json.put("errors", run.count(Severity.ERROR));
    json.put("warnings", run.count(Severity.WARNING));
    ArrayNode findings = json.putArray("findings");
    for (Found one : run.found()) {
      findings
          .addObject()
          .put("code", one.code().label())
          .put("severity", one.code().severity().word())
          .put("title", one.code().title())
          .put("subject", one.subject())
          .put("seen", one.seen())
          .put("cause", one.code().cause())
          .put("mend", one.code().mend());
    }
    add(run.notLooked(), json.putArray("notLooked"));
    add(run.failed(), json.putArray("failed"));
    return json;
  }

  private static void add(List<Unlooked> from, ArrayNode to) {
    from.forEach(one -> to.addObject().put("subject", one.subject()).put("why", one.why()));
  }
}
