package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.node.why.WhyQuestion;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice why}. */
@Command(
    name = "why",
    description = {
      "Says what becomes of a call from one pod to another, why, and what would permit it.",
      "Asks the daemon of this node alone; without one, what it left on the disk.",
      "Exit code 0: it was answered, whatever the answer. 1: the probe says otherwise."
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nFields of -o json:%n",
    footer = {
      "verdict: allowed, refused, in the clear (it arrives without the mesh), unreachable, answered by a"
          + " route, or mixed where calls end differently",
      "reason: why, in a word that metrics and events have too",
      "explanation: the reason in a sentence",
      "status (number): of HTTP that the mesh answers; 0 where it answers none",
      "source.pod: NAMESPACE/NAME",
      "source.node: - where the registry does not say",
      "source.serviceAccount: NAMESPACE/NAME",
      "source.enrolled (boolean): whether it is in the mesh",
      "source.netnsCookie (number): the kernel's name of its network namespace; 0 while unknown",
      "source.netns: path of it, where the registry says",
      "destination.asked: DST as written",
      "destination.service: NAMESPACE/NAME of the Service called, or -",
      "destination.addresses[]: what the application calls",
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
      "unknown[]: what only others know",
      "node.name: of who answers",
      "node.daemon: running or not running",
      "node.snapshotRevision (number): of the mesh as it is known",
      "node.snapshotComplete (boolean): whether all of it is there",
      "probe.end: With --probe: how the real call ended",
      "probe.status (number): With --probe: of HTTP that was answered; 0 where none was",
      "probe.millis (number): With --probe: how long it took",
      "probe.agrees (boolean): With --probe: whether it ended as the verdict says"
    })
public final class WhyCommand implements Callable<Integer> {
  @Mixin private WhyInquiry inquiry = new WhyInquiry();

  @Parameters(
      index = "0",
      paramLabel = "SRC",
      description = "NAMESPACE/NAME of the Pod that calls, or of a Service whose pods call.")
  private String source = "";

  @Parameters(
      index = "1",
      paramLabel = "DST[:PORT]",
      description =
          "Who is called: NAMESPACE/NAME of a Pod or Service, an IP address, or a host name such as"
              + " SERVICE.NAMESPACE. Without a port the first that leads there.")
  private String destination = "";

  @Parameters(
      index = "2",
      arity = "0..1",
      paramLabel = "METHOD",
      description = "Of an HTTP request, such as GET.")
  private String method = "";

  @Parameters(
      index = "3",
      arity = "0..1",
      paramLabel = "PATH",
      description = "Of that request, with its query.")
  private String path = "";

  @Option(
      names = {"-H", "--header"},
      paramLabel = "'NAME: VALUE'",
      description = "A header of that request; may be repeated.")
  private List<String> headers = List.of();

  @Option(
      names = "--probe",
      description = "Make the call, too, from inside the pod's network namespace.")
  private boolean probe;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    JsonNode answer = inquiry.ask(question(), probe);
    return ExitCode.of(answer.path("probe").path("agrees").asBoolean(true)).code();
  }

  private WhyQuestion question() {
    try {
      Map<String, String> fields = new TreeMap<>();
      for (String header : headers) {
        int colon = header.indexOf(':');
        if (colon < 1) {
          throw new IllegalArgumentException("-H '" + header + "' is not 'NAME: VALUE'");
        }
        fields.put(header.substring(0, colon).strip(), header.substring(colon + 1).strip());
      }
      return new WhyQuestion(source, destination, method, path, fields);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
