package io.sluice.control.admission;

/** Decides by a token which node is asking. Any thread; may block on disk or network. */
public interface NodeAttestor {
  /**
   * The node that {@code token} proves.
   *
   * @throws AdmissionException where it proves none
   */
  AdmittedNode admit(String token);
}
