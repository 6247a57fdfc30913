package io.sluice.diagnosis;

import java.util.List;

/**
 * Something that is broken, and mended again.
 *
 * @param what as it is told in docs/diagnosis.md
 * @param way how it is made
 * @param word a code of {@code check}, or a reason of {@code why}, by which it is to be named
 * @param object a word of the object that is to be named with it
 * @param question what is asked
 */
record Fault(
    String what, String way, String word, String object, Question question, Act make, Act mend) {
  /** Something that is done to the mesh. */
  interface Act {
    void on(SickBay bay) throws Exception;
  }

  /** What is asked; a line for each answer, which begins with its word. */
  interface Question {
    List<String> ask(SickBay bay) throws Exception;
  }

  /** One that {@code check} names. */
  static Fault seen(String what, String way, String code, String object, Act make, Act mend) {
    return new Fault(what, way, code, object, SickBay::check, make, mend);
  }

  /** One that is asked about otherwise. */
  Fault asked(Question other) {
    return new Fault(what, way, word, object, other, make, mend);
  }

  boolean isNamedBy(List<String> answers) {
    return answers.stream().anyMatch(line -> line.startsWith(word + " ") && line.contains(object));
  }

  /** By which program. */
  String by() {
    return (word.startsWith("SLU") ? "check " : "why ") + word;
  }
}
