"""Being a validator: who proved possession of which CSI, and what is vouched for. Pure but for the register.

claims      who holds a CSI, and how that changes: values and `now`
vouching    a claim as VALIDATION, ready to be shown
codes       one-time codes that are outstanding
allowances  how often somebody may ask
place       the directory of a register
pages       whether the file of a register is whole
store       the register on disk
refusals    why a request is refused, for people, for the log and as HTTP counts
desk        a request and `now` to a reply
"""
