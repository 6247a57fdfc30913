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
    mixinStandardHelpOptions = true)
public final class WhyCommand implements Callable<Integer> {
  @Mixin private WhyInquiry inquiry = new WhyInquiry();

  @Parameters(
      index = "0",
      paramLabel = "SRC",
      description =
          "NAMESPACE/NAME of the Pod that calls, or of a Service whose pods call, or an IP address.")
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

  @Option(
      names = "--udp",
      description = "A datagram is meant, to a port of UDP, rather than a connection.")
  private boolean udp;

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
      if (udp && probe) {
        throw new IllegalArgumentException(
            "--probe makes connections: leave out --udp, or --probe");
      }
      return new WhyQuestion(source, destination, method, path, fields, false, udp);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }
}
