-- mainstay.checkpoint
CHECKPOINT;
