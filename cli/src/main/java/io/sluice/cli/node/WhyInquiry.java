package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.node.NodeSettings;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.node.why.NodeView;
import io.sluice.node.why.Probe;
import io.sluice.node.why.Why;
import io.sluice.node.why.WhyQuestion;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Asks a node what becomes of a call: its daemon, or the snapshot that a dead one has left. */
final class WhyInquiry {
  @Mixin private NodeTarget target = new NodeTarget();

  @Mixin private OutputOption output = new OutputOption();

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Where a daemon that does not answer has its state. Default: /var/lib/sluice/<node>.")
  private @Nullable Path state;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Asks, makes the call too where that is wanted, prints, and returns the answer. */
  JsonNode ask(WhyQuestion question, boolean probe) {
    ObjectNode answer;
    try {
      answer = answer(question);
      if (probe) {
        Probe.add(question, answer);
      }
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    var out = spec.commandLine().getOut();
    if (output.format() == OutputFormat.json) {
      Listing.printJson(answer, out);
    } else {
      WhyPage.print(answer, out);
    }
    return answer;
  }

  private ObjectNode answer(WhyQuestion question) {
    AdminRequest request = new AdminRequest("why", question.toText(), false);
    try {
      return target.client().ask(request).stream()
          .map(ObjectNode.class::cast)
          .findFirst()
          .orElseThrow(() -> new IOException("it ended before it answered; see its log"));
    } catch (IOException e) {
      return fromDisk(question, target.silence(e));
    }
  }

  private ObjectNode fromDisk(WhyQuestion question, IllegalStateException silence) {
    String name = target.name();
    Path folder = state == null ? NodeTarget.stateOf(name) : state;
    Path snapshots = NodeSettings.snapshots(folder);
    if (!Files.isDirectory(snapshots)) {
      throw silence;
    }
    try (SnapshotStore store = SnapshotStore.open(snapshots, (_, _) -> {})) {
      Optional<Stored> stored = store.load();
      return stored
          .map(found -> new Why(found.snapshot(), NodeView.dead(name)).answer(question))
          .orElseThrow(() -> silence);
    }
  }
}
