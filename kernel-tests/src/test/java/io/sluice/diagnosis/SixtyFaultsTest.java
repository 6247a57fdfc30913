package io.sluice.diagnosis;

import io.sluice.lab.site.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
class SixtyFaultsTest {
  @Test
  void explore() throws Exception {
    List<Fault> all = new ArrayList<>();
    String only = System.getProperty("only", "ontw");
    if (only.contains("o")) all.addAll(ObjectFaults.all());
    if (only.contains("n")) all.addAll(NodeFaults.all());
    if (only.contains("t")) all.addAll(TrustFaults.all());
    if (only.contains("w")) all.addAll(NetworkFaults.all());
    try (SickBay bay = new SickBay()) {
      try {
        bay.awaitHealth();
      } catch (AssertionError e) {
        System.out.println("ILL " + e.getMessage());
      }
      for (Fault fault : all) {
        long begin = System.nanoTime();
        List<String> answers = new ArrayList<>();
        boolean named = false;
        String error = "";
        try {
          fault.make().on(bay);
          named =
              Await.until(
                  Duration.ofSeconds(8),
                  () -> {
                    answers.clear();
                    answers.addAll(fault.question().ask(bay));
                    return fault.isNamedBy(answers);
                  });
        } catch (Exception | AssertionError e) {
          error = e.toString();
        }
        long made = (System.nanoTime() - begin) / 1_000_000;
        begin = System.nanoTime();
        try {
          fault.mend().on(bay);
          bay.awaitHealth();
        } catch (Exception | AssertionError e) {
          error += " MEND " + e;
        }
        System.out.println(
            "RESULT " + (named ? "ok " : "MISS ") + made + " " + (System.nanoTime() - begin) / 1_000_000
                + " " + fault.word() + " " + fault.what() + (named ? "" : " " + answers) + " " + error);
      }
    }
  }
}
