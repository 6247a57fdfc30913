package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.Listing;
import io.sluice.cli.output.OutputFormat;
import io.sluice.cli.output.OutputOption;
import io.sluice.node.NodeSettings;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.why.NodeView;
import io.sluice.node.why.Probe;
import io.sluice.node.why.Why;
import io.sluice.node.why.WhyQuestion;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Asks a node what becomes of a call: its daemon, or the snapshot that a dead one has left. The
 * fields of the answer are those of every command that asks so.
 */
@Command(
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "verdict: allowed, refused, in the clear (it arrives without the mesh), unreachable, answered by a"
          + " route, or mixed where calls end differently",
      "reason: why, in a word that metrics and events have too",
      "explanation: the reason in a sentence",
      "status (number): of HTTP that the mesh answers; 0 where it answers none",
      "source.pod: NAMESPACE/NAME; the address where it is no known pod's",
      "source.node: - where the registry does not say",
      "source.serviceAccount: NAMESPACE/NAME",
      "source.enrolled (boolean): whether it is in the mesh",
      "source.netnsCookie (number): the kernel's name of its network namespace; 0 while unknown",
      "source.netns: path of it, where the registry says",
      "destination.asked: DST as written",
      "destination.service: NAMESPACE/NAME of the Service called, or -",
      "destination.authority: as a client would name it in a request",
      "destination.addresses[]: what the application calls",
      "protocol: tcp, or udp for a datagram",
      "request: METHOD path, or -",
      "because[].kind: of an object that is responsible; node for what stands in no manifest",
      "because[].name: NAMESPACE/NAME, or -",
      "because[].field: path in it, or -",
      "because[].text: what it says of the call",
      "ways[].share (number): of all such calls, of 1",
      "ways[].endpoint: where it leads, or -",
      "ways[].pod: NAMESPACE/NAME there, or -",
      "ways[].verdict: as above, of this way",
      "ways[].reason: as above, of this way",
      "ways[].mutualTls (boolean): whether certificates protect it",
      "ways[].http (boolean): whether it is carried as HTTP, so that a connection alone reaches nobody",
      "ways[].status (number): as above, of this way",
      "steps[].mark: ok, turn (it goes another way) or stop",
      "steps[].text: what was found on the way",
      "change.what: With a call that does not arrive: what would permit it",
      "change.yaml: With a call that does not arrive: to apply, or empty",
      "change.then: With a call that does not arrive: the verdict after it, or -",
      "change.scope: With a call that does not arrive: what the change permits in all",
      "change.besides (number): With a call that does not arrive: pairs of pods that could call each other"
          + " then, too",
      "change.pairs[]: With a call that does not arrive: the first ten of them",
      "unknown[]: With something that only others know: what that is",
      "node.name: of who answers",
      "node.daemon: running or not running",
      "node.snapshotRevision (number): of the mesh as it is known",
      "node.snapshotComplete (boolean): whether all of it is there",
      "probe.end: With a probe: how the real call ended",
      "probe.status (number): With a probe: of HTTP that was answered; 0 where none was",
      "probe.millis (number): With a probe: how long it took",
      "probe.reason: With a probe: why the mesh answered it, as events have it; - where it did not, or the"
          + " daemon of another node did",
      "probe.agrees (boolean): With a probe: whether it ended as the verdict says"
    })
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
        WhyQuestion tried = Probe.tried(question, answer);
        if (!tried.equals(question)) {
          answer = answer(tried);
          answer
              .withArray("steps")
              .insertObject(0)
              .put("mark", "turn")
              .put(
                  "text",
                  "GET / is asked for and tried: the port is carried as HTTP, where a connection without a"
                      + " request reaches nobody; say METHOD and path of another (why)");
        }
        Probe.add(tried, answer, this::events);
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

  private List<JsonNode> events() {
    try {
      return target.client().ask(AdminRequest.of("events"));
    } catch (IOException e) {
      return List.of(); // a dead daemon answers nothing, and no event tells of it
    }
  }

  private ObjectNode answer(WhyQuestion question) {
    AdminRequest request = new AdminRequest("why", question.toText(), false);
    try {
      ObjectNode answer =
          target.client().ask(request).stream()
              .map(ObjectNode.class::cast)
              .findFirst()
              .orElseThrow(() -> new IOException("it ended before it answered; see its log"));
      if (question.udp() && !answer.path("protocol").asText().equals("udp")) {
        throw new IllegalArgumentException(
            "the daemon is of an earlier version, and knows nothing of --udp");
      }
      return answer;
    } catch (IOException e) {
      if (NodeTarget.isDenied(e)) {
        throw target.silence(e);
      }
      return fromDisk(question, target.silence(e));
    }
  }

  private ObjectNode fromDisk(WhyQuestion question, IllegalStateException silence) {
    String name = target.name();
    Path folder = state == null ? NodeTarget.lastStateOf(name) : state;
    Path snapshots = NodeSettings.snapshots(folder);
    if (!Files.isDirectory(snapshots)) {
      throw silence;
    }
    return SnapshotStore.read(snapshots)
        .map(found -> new Why(found.snapshot(), NodeView.dead(name)).answer(question))
        .orElseThrow(() -> silence);
  }
}
