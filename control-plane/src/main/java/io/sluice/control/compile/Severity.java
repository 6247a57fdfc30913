package io.sluice.control.compile;

/** How much of an object its status takes away. */
public enum Severity {
  /** The object is used; something about it is worth knowing. */
  INFO,
  /** A part of the object has no effect, or one that its author may not mean. */
  WARNING,
  /** The object has no effect. */
  UNUSABLE
}
